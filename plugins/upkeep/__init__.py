"""Keeps machine-learning models healthy in production: a plugin suite for Apache Airflow 3."""

__version__ = "0.1.0"
