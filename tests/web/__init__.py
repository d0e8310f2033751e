"""Tests of the web doors: the form page and the inbound JSON API."""
