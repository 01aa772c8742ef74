# Node runs the TypeScript files as they are; the only things that are built are the bundle of the workflows and the program
# of the renderer of templates. The image's Node is the version that package.json pins.
FROM node:24.21.0-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY workflows ./workflows
COPY activities ./activities
COPY kit ./kit
RUN node activities/bundle.ts

FROM node:24.21.0-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Without the embedded PostgreSQL (its programs are optional packages) and without a second Node.
RUN npm ci --omit=dev --omit=optional --ignore-scripts && rm -rf node_modules/node node_modules/.bin/node

FROM node:24.21.0-bookworm-slim
# For packages from GIT repositories; the certificates that count are Slipway's own.
RUN apt-get update && apt-get install -y --no-install-recommends git openssh-client && rm -rf /var/lib/apt/lists/*
# By which workers drive physical hosts.
RUN apt-get update && apt-get install --yes --no-install-recommends ipmitool && rm -rf /var/lib/apt/lists/*
ENV NODE_ENV=production
WORKDIR /app
COPY --from=packages /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json package-lock.json ./
COPY workflows ./workflows
COPY activities ./activities
COPY api ./api
COPY db ./db
COPY kit ./kit
COPY embedded ./embedded
USER node
EXPOSE 8080
STOPSIGNAL SIGTERM
CMD ["node", "api/server.ts"]
