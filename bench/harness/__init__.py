"""What the benches share: building, starting and watching servers, making documents, the table."""
