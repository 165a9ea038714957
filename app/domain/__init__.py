"""The rules: values in, values out. Nothing here waits, logs, draws or reads a clock."""
