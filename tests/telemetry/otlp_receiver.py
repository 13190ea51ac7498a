"""A receiver on loopback that keeps the bodies of OTLP requests as they came, over HTTP and over gRPC."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import grpc

FRAMES = {"/v1/metrics": "metrics", "/v1/logs": "logs", "/v1/traces": "spans"}
SERVICES = {
    "opentelemetry.proto.collector.metrics.v1.MetricsService": "metrics",
    "opentelemetry.proto.collector.logs.v1.LogsService": "logs",
    "opentelemetry.proto.collector.trace.v1.TraceService": "spans",
}


class Received:
    """An address on loopback, and the requests that came to it, by frame."""

    def __init__(self) -> None:
        self.address = ""
        self.bodies: dict[str, list[bytes]] = {"metrics": [], "logs": [], "spans": []}


@contextmanager
def over_http() -> Iterator[Received]:
    """Receive over HTTP until the block ends."""
    received = Received()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            received.bodies[FRAMES[self.path]].append(body)
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - the base class's name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        received.address = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield received
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def over_grpc() -> Iterator[Received]:
    """Receive over gRPC until the block ends."""
    received = Received()
    server = grpc.server(futures.ThreadPoolExecutor(2))
    for service, frame in SERVICES.items():

        def keep(body: bytes, _: grpc.ServicerContext, frame: str = frame) -> bytes:
            received.bodies[frame].append(body)
            return b""

        handlers = {"Export": grpc.unary_unary_rpc_method_handler(keep)}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))
    received.address = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield received
    finally:
        server.stop(grace=None).wait()
