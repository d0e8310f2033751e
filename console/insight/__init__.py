"""Reports, accuracy of classification, CSAT."""
