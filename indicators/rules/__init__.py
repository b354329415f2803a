"""What a rule may say beyond its limits: policy, parameters of its kind, and the pure evaluators of the kinds."""
