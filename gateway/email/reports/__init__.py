"""Bounces and feedback reports."""
