"""Training labels, models, categories, keyword rules, accuracy, and the index of solved tickets."""
