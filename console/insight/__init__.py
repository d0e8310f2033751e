"""Reports, accuracy of the model, CSAT."""
