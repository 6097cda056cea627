FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The image brings its own Node, so the optional packages that carry one stay out.
RUN npm ci --omit=optional --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY src src
COPY console console
COPY openapi openapi
RUN npm run build

FROM node:24-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --omit=optional --ignore-scripts

FROM node:24-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8080 ADMIN_HOST=0.0.0.0 ADMIN_PORT=9090 STATE_DIR=/var/lib/crossfade \
  MALLOC_ARENA_MAX=2
# The last good flags outlive the container where this is a volume.
RUN mkdir -p /var/lib/crossfade && chown node:node /var/lib/crossfade
VOLUME /var/lib/crossfade
WORKDIR /app
COPY package.json ./
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/dist dist
USER node
EXPOSE 8080 9090
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.ADMIN_PORT}/livez`).then((reply) => process.exit(reply.ok ? 0 : 1), () => process.exit(1))"]
# Why these: docs/operating.md, "Memory".
ENTRYPOINT ["node", "--max-semi-space-size=8", "--heap-growing-percent=30", "--external-memory-accounted-in-global-limit", "dist/src/cli.js"]
# Mount a folder with the contract and its bindings at /app/bindings: there `import … from 'crossfade'` finds this package.
CMD ["serve", "bindings/index.ts"]
