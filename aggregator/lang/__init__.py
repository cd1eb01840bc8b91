"""The small languages of Argo files: expr, sprig, govaluate conditions, tags, depends and the query languages."""
