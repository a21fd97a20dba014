"""Queues are consumed as Lambda's pollers do, from moto's SQS, SNS and S3."""
