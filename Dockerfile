FROM node:24-bookworm-slim AS base
WORKDIR /app

FROM base AS packages
COPY package.json package-lock.json ./
# No package that the service runs on has an install script; native code comes built.
RUN npm ci --omit=dev --ignore-scripts

FROM base
ENV NODE_ENV=production HOST=0.0.0.0 DATA_DIR=/data
# A new volume takes over the owner of the folder that it is mounted on.
RUN mkdir /data && chown 10001:10001 /data
COPY --from=packages /app/node_modules ./node_modules
COPY package.json ./
COPY src ./src
USER 10001:10001
VOLUME ["/data"]
EXPOSE 8787
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 8787}/livez`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
# As `npm start` has it.
CMD ["node", "--expose-gc", "--max-semi-space-size=4", "--no-memory-reducer", "src/app/node.ts"]
