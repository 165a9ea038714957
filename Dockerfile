# A glibc base: the bundled Valkey is a manylinux binary, so Alpine will not do.
FROM python:3.13-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/ai-seller
WORKDIR /src
# The dependencies first: this layer is made again only when the lock changes.
COPY requirements.lock ./
RUN /opt/ai-seller/bin/pip install --require-hashes -r requirements.lock
COPY pyproject.toml README.md ./
COPY app app
COPY prompts prompts
RUN /opt/ai-seller/bin/pip install --no-deps --no-build-isolation .

FROM python:3.13-slim
RUN useradd --system --uid 10001 --user-group --no-create-home --home-dir /data ai-seller \
    && install --directory --owner ai-seller --group ai-seller --mode 700 /data
COPY --from=build /opt/ai-seller /opt/ai-seller
ENV PATH=/opt/ai-seller/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    AI_SELLER_DATA_DIR=/data \
    AI_SELLER_HOST=0.0.0.0
# Settings come from the environment; a .env may be mounted at /srv/.env.
WORKDIR /srv
USER ai-seller
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s CMD ["python", "-c", \
    "import os, urllib.request as r; r.urlopen(f\"http://127.0.0.1:{os.environ.get('PORT') or 8080}/health/live\", timeout=4)"]
ENTRYPOINT ["ai-seller"]
CMD ["serve"]
