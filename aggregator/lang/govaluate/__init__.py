"""The condition language of `when`: tokens, grammar and evaluation, as the govaluate library has them."""
