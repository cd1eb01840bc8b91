"""What a document means: names become integers, texts become compiled programs."""
