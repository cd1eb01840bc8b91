"""The document as written: YAML with positions, typed models, decoding and checks."""
