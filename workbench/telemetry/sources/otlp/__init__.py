"""The otlp source: files in OpenTelemetry's own protocol."""
