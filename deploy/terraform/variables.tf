variable "cluster_name" {
  description = "Name of the EKS cluster."
  type        = string
}

variable "vpc_id" {
  description = "VPC of the cluster."
  type        = string
}

variable "node_security_group_id" {
  description = "Security group of the regular nodes, where the provider's pods run; the cluster's own where nodes have no other."
  type        = string
}

variable "cluster_security_group_id" {
  description = "Security group of the cluster's API servers."
  type        = string
}

variable "oidc_provider_arn" {
  description = "ARN of the cluster's IAM OIDC provider, for IRSA; without it the provider has its role by EKS Pod Identity."
  type        = string
  default     = null
}

variable "namespace" {
  description = "Namespace of the provider."
  type        = string
  default     = "nodeless-system"
}

variable "service_account" {
  description = "ServiceAccount of the provider."
  type        = string
  default     = "nodeless"
}

variable "name_prefix" {
  description = "What names of roles and security groups begin with; the cluster's name unless given."
  type        = string
  default     = null
}

variable "permissions_boundary" {
  description = "ARN of a policy that bounds both roles."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of all that is made."
  type        = map(string)
  default     = {}
}
