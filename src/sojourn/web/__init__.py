"""What comes and goes by HTTP: ingest endpoints, the JSON API and the pages."""
