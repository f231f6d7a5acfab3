output "provider_role_arn" {
  description = "The provider's role; with IRSA, for the annotation eks.amazonaws.com/role-arn of its ServiceAccount."
  value       = aws_iam_role.provider.arn
}

output "instance_profile" {
  description = "Instance profile of cells: awsEc2.instanceProfile."
  value       = aws_iam_instance_profile.cells.name
}

output "security_group_id" {
  description = "Security group of cells: one of awsEc2.securityGroups."
  value       = aws_security_group.cells.id
}

output "interruption_queue_url" {
  description = "Queue of what is about to befall machines: awsEc2.interruptionQueue."
  value       = aws_sqs_queue.interruptions.url
}
