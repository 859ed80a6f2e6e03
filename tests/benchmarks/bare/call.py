"""The same with one read."""

import json
import os

import boto3

client = boto3.client("dynamodb")


def handler(event, context):
    found = client.get_item(
        TableName=os.environ["CHANNELS_TABLE"], Key={"yard": {"S": "channels"}, "pk": {"N": "7001"}}
    )
    return {
        "statusCode": 200,
        "headers": {"Content-Type": "application/json"},
        "body": json.dumps(sorted(found["Item"])),
    }
