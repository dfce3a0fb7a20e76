# syntax=docker/dockerfile:1
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/gocache \
    CGO_ENABLED=0 GOCACHE=/gocache go build -trimpath -buildvcs=false -tags nomsgpack -ldflags '-s -w' -o /rollcall ./cmd/rollcall \
    && mkdir -p /data && chown 65532:65532 /data

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /rollcall /rollcall
COPY --from=build --chown=65532:65532 /data /var/lib/rollcall
USER 65532:65532
EXPOSE 8080
VOLUME /var/lib/rollcall
ENTRYPOINT ["/rollcall"]
CMD ["serve", "--config", "/etc/rollcall/rollcall.yaml"]
