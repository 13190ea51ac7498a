"""Files are read by three kinds of source: Parquet, separated text, and lines of JSON; on a disk or in a bucket."""
