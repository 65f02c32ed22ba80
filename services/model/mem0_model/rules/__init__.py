"""What a text says about a person: pure rules, no input or output."""
