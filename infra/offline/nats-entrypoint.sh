#!/bin/sh
# As the official image: options alone are nats-server's.
set -e
case "$1" in
  "" | -*) set -- nats-server "$@" ;;
esac
exec "$@"
