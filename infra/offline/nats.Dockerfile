# Stands in for the official NATS image on Alpine: the same ports, arguments and folders, and a wget.
ARG DEBIAN_IMAGE
FROM ${DEBIAN_IMAGE}
RUN apt-get -q update \
  && apt-get -q install -y --no-install-recommends nats-server busybox \
  && ln -s /bin/busybox /usr/local/bin/wget \
  && rm -rf /var/lib/apt/lists/*
COPY nats-entrypoint.sh /usr/local/bin/docker-entrypoint.sh
EXPOSE 4222 8222 6222
ENTRYPOINT ["sh", "/usr/local/bin/docker-entrypoint.sh"]
