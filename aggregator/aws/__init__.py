"""AWS: clients with the right credentials, endpoint and region, and its errors in our words; boto3 is imported on use."""
