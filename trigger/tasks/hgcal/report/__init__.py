"""The task's part of the report."""
