FROM python:3.11-slim AS build
WORKDIR /src
# The environment that is shipped has no pip or setuptools of its own: nothing is installed there later.
RUN python -m venv /opt/build && python -m venv --without-pip /opt/epay-exporter
COPY requirements.lock requirements-build.lock ./
RUN /opt/build/bin/pip install --no-cache-dir --require-hashes -r requirements-build.lock \
    && /opt/build/bin/pip --python /opt/epay-exporter install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml README.md CHANGELOG.md LICENSE config.example.yaml ./
COPY exporter ./exporter
COPY grafana/alerts ./grafana/alerts
RUN /opt/build/bin/python -m hatchling build -t wheel \
    && /opt/build/bin/pip --python /opt/epay-exporter install --no-cache-dir --no-deps dist/*.whl \
    && /opt/epay-exporter/bin/python -m compileall -q /opt/epay-exporter/lib

FROM python:3.11-slim
ARG REVISION=unknown
LABEL org.opencontainers.image.title="epay-exporter" \
    org.opencontainers.image.description="Prometheus exporter for card-to-card transfers at Halyk Bank's ePay" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.revision="${REVISION}"
COPY --from=build /opt/epay-exporter /opt/epay-exporter
ENV PATH="/opt/epay-exporter/bin:${PATH}" \
    PYTHONDONTWRITEBYTECODE=1 \
    EPAY_EXPORTER_REVISION="${REVISION}"
# The state's default place, ./epay-exporter.db, then lies in the volume.
WORKDIR /data
RUN chown 65532:65532 /data
VOLUME ["/data"]
USER 65532:65532
EXPOSE 10084
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s \
    CMD ["python", "-m", "exporter.probe"]
ENTRYPOINT ["epay-exporter"]
CMD ["run", "--config.file=/etc/epay-exporter/config.yaml"]
