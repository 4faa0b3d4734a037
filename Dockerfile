# One image for all roles: serve (the default), worker, migrate. The sandbox and the demo OrderService
# of development are in it too. docs/guides/run-with-docker-compose.md says how to run it.
#
# The tag follows security updates. Pin the digest where a build must be repeatable to the byte:
#   docker buildx imagetools inspect python:3.13-slim-trixie
# prints it; then both FROM lines become python:3.13-slim-trixie@<what it printed>.

FROM python:3.13-slim-trixie AS build
WORKDIR /build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore
# Wheels only: nothing is compiled, so a package without one for this Python fails here and loudly.
COPY requirements requirements
RUN python -m venv --without-pip /opt/payment-service \
 && pip --python /opt/payment-service/bin/python install \
      --no-compile --no-deps --require-hashes --only-binary=:all: -r requirements/runtime.txt
# What builds the wheel is locked too, among much that the image has no use for.
RUN sed -n '/^\(hatchling\|packaging\|pathspec\|pluggy\|trove-classifiers\)==/,/[^\\]$/p' \
      requirements/dev.txt > build.txt \
 && pip install --no-deps --require-hashes --only-binary=:all: -r build.txt
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
 && pip --python /opt/payment-service/bin/python install --no-compile --no-deps dist/*.whl

FROM python:3.13-slim-trixie
ARG REVISION=unknown
LABEL org.opencontainers.image.title="payment-service" \
      org.opencontainers.image.description="A payment service over Stripe" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="MIT"
# Production unless it is said otherwise, so that nobody runs development by forgetting: NODE_ENV
# gives way to ENVIRONMENT. Python keeps its assertions: they are what a contradiction is.
ENV PATH=/opt/payment-service/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    NODE_ENV=production \
    HOST=0.0.0.0 \
    SQLITE_PATH=/var/lib/payments/payments.sqlite3
# Only SQLite writes here, and wants a volume; MongoDB needs none. /tmp may be a tmpfs.
RUN install --directory --owner=10001 --group=10001 /var/lib/payments
COPY --from=build /opt/payment-service /opt/payment-service
# What the roles load is compiled here, once, with their part of the standard library, which comes as
# source: otherwise each start takes twice as long. The rest stays source, which saves 22 MB.
RUN env -u PYTHONDONTWRITEBYTECODE /opt/payment-service/bin/python -c "import importlib, pkgutil; \
import payment_service, stripe_sandbox, uvicorn.lifespan.off; \
[importlib.import_module(module.name) for top in (payment_service, stripe_sandbox) \
 for module in pkgutil.walk_packages(top.__path__, top.__name__ + '.') \
 if not module.name.endswith('__main__')]"
# A number, because Kubernetes cannot see that a name is not root.
USER 10001:10001
WORKDIR /var/lib/payments
EXPOSE 9000 9090
STOPSIGNAL SIGTERM
# For serve and worker, which both open METRICS_PORT. Kubernetes asks by itself.
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
  CMD ["payment-service", "healthy"]
ENTRYPOINT ["payment-service"]
CMD ["serve"]
