# syntax=docker/dockerfile:1
# Pin what you build on: docker build --build-arg GO=golang:1.26@sha256:… --build-arg BASE=gcr.io/distroless/static-debian12:nonroot@sha256:…
# (`docker buildx imagetools inspect IMAGE` tells the digest of today). None stands here, since one that is never
# renewed keeps every weakness of its day: it belongs to whoever rebuilds.
ARG GO=golang:1.26
ARG BASE=gcr.io/distroless/static-debian12:nonroot

FROM ${GO} AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download && go mod verify
COPY . .
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/gocache \
    CGO_ENABLED=0 GOCACHE=/gocache go build -mod=readonly -trimpath -buildvcs=false -tags nomsgpack -ldflags '-s -w' -o /rollcall ./cmd/rollcall \
    && mkdir -p /data && chown 65532:65532 /data && chmod 0700 /data

# No shell, no package manager: the binary, certificates of authorities, and a data folder of its owner. Any other
# user will do as well (--user), given a data folder of its own.
FROM ${BASE}
COPY --from=build /rollcall /rollcall
COPY --from=build --chown=65532:65532 /data /var/lib/rollcall
USER 65532:65532
EXPOSE 8080
VOLUME /var/lib/rollcall
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 \
    CMD ["/rollcall", "healthz", "--config", "/etc/rollcall/rollcall.yaml"]
ENTRYPOINT ["/rollcall"]
CMD ["serve", "--config", "/etc/rollcall/rollcall.yaml"]
