SELECT version, min_writer FROM schema_version
