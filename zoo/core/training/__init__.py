"""Training: one loop, the verbs of a learner, exact resume."""
