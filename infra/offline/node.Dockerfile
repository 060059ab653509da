# Stands in for the official Node image: Debian's base system, the project's own Node binary, npm, and a cache with every
# package that the application image asks for. npm is told to be offline, so that a build needs no network at all.
ARG DEBIAN_IMAGE
FROM ${DEBIAN_IMAGE}
COPY node /usr/local/bin/node
COPY npm/node_modules/npm /usr/local/lib/node_modules/npm
COPY npm-cache /usr/local/share/npm-cache
COPY npmrc /usr/local/etc/npmrc
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm \
  && groupadd --gid 1000 node \
  && useradd --uid 1000 --gid node --create-home node
CMD ["node"]
