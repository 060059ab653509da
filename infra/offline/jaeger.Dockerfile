# Stands in for Jaeger: takes traces over OTLP/HTTP and tells them by the path that Jaeger tells them by. It has no page.
ARG NODE_IMAGE
FROM ${NODE_IMAGE}
# Busybox has the wget that Jaeger's image has.
RUN apt-get -q update \
  && apt-get -q install -y --no-install-recommends busybox \
  && ln -s /bin/busybox /usr/local/bin/wget \
  && rm -rf /var/lib/apt/lists/*
COPY main.mjs otlp-spans.mjs span-store.mjs trace-receiver.mjs /opt/trace-receiver/
USER 10001
EXPOSE 4318 13133 16686
ENTRYPOINT ["node", "/opt/trace-receiver/main.mjs"]
