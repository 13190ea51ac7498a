"""The prometheus source: metrics and alerts of any API compatible with Prometheus."""
