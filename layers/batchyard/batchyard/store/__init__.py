"""The edge to AWS's stores: DynamoDB through the unit of work, S3 through blobs."""
