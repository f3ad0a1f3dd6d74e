"""What a deployment consists of: the deployer, images, the edge, the API reference."""
