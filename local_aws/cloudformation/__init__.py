"""CloudFormation: stacks whose operations take time, roll back and can be watched, over moto's resources."""
