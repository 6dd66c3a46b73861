"""What the engine costs, beside one plain DuckDB query and beside the best loop a skilled user would write by hand."""
