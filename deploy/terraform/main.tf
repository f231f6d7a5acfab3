# What Nodeless needs of AWS for an EKS cluster: the provider's role, the role of cells, the queue of interruptions, and who may reach whom.
terraform {
  required_version = ">= 1.6"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.40"
    }
  }
}

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}

locals {
  prefix          = coalesce(var.name_prefix, var.cluster_name)
  is_irsa         = var.oidc_provider_arn != null
  issuer          = local.is_irsa ? split("oidc-provider/", var.oidc_provider_arn)[1] : ""
  service_account = "system:serviceaccount:${var.namespace}:${var.service_account}"
  # The policy that docs/aws-ec2.md explains, for this account, and the role and queue below.
  policy = replace(replace(replace(
    file("${path.module}/../iam/aws-ec2.json"),
    "ACCOUNT_ID", data.aws_caller_identity.current.account_id),
    "ROLE_OF_CELLS", aws_iam_role.cells.name),
    "QUEUE_OF_INTERRUPTIONS", aws_sqs_queue.interruptions.name
  )
}

# Cells: a machine proves by this role which one it is, and pulls images by it. It may do nothing else.

data "aws_iam_policy_document" "cells_trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "cells" {
  name                 = "${local.prefix}-cells"
  assume_role_policy   = data.aws_iam_policy_document.cells_trust.json
  permissions_boundary = var.permissions_boundary
  tags                 = var.tags
}

resource "aws_iam_role_policy_attachment" "cells_pull" {
  role       = aws_iam_role.cells.name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly"
}

# Named as its role, so that awsEc2.instanceRoles need not say which it is.
resource "aws_iam_instance_profile" "cells" {
  name = aws_iam_role.cells.name
  role = aws_iam_role.cells.name
  tags = var.tags
}

# The provider

data "aws_iam_policy_document" "provider_trust" {
  dynamic "statement" {
    for_each = local.is_irsa ? [1] : []
    content {
      actions = ["sts:AssumeRoleWithWebIdentity"]
      principals {
        type        = "Federated"
        identifiers = [var.oidc_provider_arn]
      }
      condition {
        test     = "StringEquals"
        variable = "${local.issuer}:sub"
        values   = [local.service_account]
      }
      condition {
        test     = "StringEquals"
        variable = "${local.issuer}:aud"
        values   = ["sts.amazonaws.com"]
      }
    }
  }
  dynamic "statement" {
    for_each = local.is_irsa ? [] : [1]
    content {
      actions = ["sts:AssumeRole", "sts:TagSession"]
      principals {
        type        = "Service"
        identifiers = ["pods.eks.amazonaws.com"]
      }
    }
  }
}

resource "aws_iam_role" "provider" {
  name                 = "${local.prefix}-nodeless"
  assume_role_policy   = data.aws_iam_policy_document.provider_trust.json
  permissions_boundary = var.permissions_boundary
  tags                 = var.tags
}

resource "aws_iam_role_policy" "provider" {
  name   = "nodeless"
  role   = aws_iam_role.provider.id
  policy = local.policy
}

resource "aws_eks_pod_identity_association" "provider" {
  count           = local.is_irsa ? 0 : 1
  cluster_name    = var.cluster_name
  namespace       = var.namespace
  service_account = var.service_account
  role_arn        = aws_iam_role.provider.arn
  tags            = var.tags
}

# What is about to befall machines

resource "aws_sqs_queue" "interruptions" {
  name = "${local.prefix}-nodeless"
  # A warning that is older tells of nothing that is still to come.
  message_retention_seconds = 300
  sqs_managed_sse_enabled   = true
  tags                      = var.tags
}

data "aws_iam_policy_document" "events_send" {
  statement {
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.interruptions.arn]
    principals {
      type        = "Service"
      identifiers = ["events.amazonaws.com"]
    }
    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [aws_cloudwatch_event_rule.interruptions.arn]
    }
  }
}

resource "aws_sqs_queue_policy" "interruptions" {
  queue_url = aws_sqs_queue.interruptions.id
  policy    = data.aws_iam_policy_document.events_send.json
}

resource "aws_cloudwatch_event_rule" "interruptions" {
  name = "${local.prefix}-nodeless"
  event_pattern = jsonencode({
    source = ["aws.ec2", "aws.health"]
    detail-type = [
      "EC2 Spot Instance Interruption Warning",
      "EC2 Instance Rebalance Recommendation",
      "EC2 Instance State-change Notification",
      "AWS Health Event",
    ]
  })
  tags = var.tags
}

resource "aws_cloudwatch_event_target" "interruptions" {
  rule = aws_cloudwatch_event_rule.interruptions.name
  arn  = aws_sqs_queue.interruptions.arn
}

# Who may reach whom

resource "aws_security_group" "cells" {
  name        = "${local.prefix}-cells"
  description = "Cells of the cluster ${var.cluster_name}"
  vpc_id      = var.vpc_id
  tags        = var.tags
}

resource "aws_vpc_security_group_ingress_rule" "cells_from_cells" {
  description                  = "Pods on cells reach pods on cells"
  security_group_id            = aws_security_group.cells.id
  referenced_security_group_id = aws_security_group.cells.id
  ip_protocol                  = "-1"
}

resource "aws_vpc_security_group_ingress_rule" "cells_from_nodes" {
  description                  = "Pods on nodes reach pods on cells, and the provider their kubelets"
  security_group_id            = aws_security_group.cells.id
  referenced_security_group_id = var.node_security_group_id
  ip_protocol                  = "-1"
}

resource "aws_vpc_security_group_ingress_rule" "cells_from_api_servers" {
  description                  = "API servers reach webhooks and aggregated APIs on cells"
  security_group_id            = aws_security_group.cells.id
  referenced_security_group_id = var.cluster_security_group_id
  ip_protocol                  = "tcp"
  from_port                    = 1025
  to_port                      = 65535
}

resource "aws_vpc_security_group_egress_rule" "cells_to_all" {
  description       = "Cells reach registries, AWS, and what their pods need"
  security_group_id = aws_security_group.cells.id
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "-1"
}

resource "aws_vpc_security_group_ingress_rule" "nodes_from_cells" {
  description                  = "Cells reach the cell API, DNS and pods on nodes"
  security_group_id            = var.node_security_group_id
  referenced_security_group_id = aws_security_group.cells.id
  ip_protocol                  = "-1"
}

locals {
  # What API servers call at the provider: kubectl logs and exec, and the webhooks.
  provider_ports = { kubelet_endpoint = 10250, webhooks = 9443 }
}

resource "aws_vpc_security_group_ingress_rule" "provider_from_api_servers" {
  # Within one security group there is nothing to open.
  for_each                     = var.cluster_security_group_id == var.node_security_group_id ? {} : local.provider_ports
  description                  = "API servers reach the provider (${each.key})"
  security_group_id            = var.node_security_group_id
  referenced_security_group_id = var.cluster_security_group_id
  ip_protocol                  = "tcp"
  from_port                    = each.value
  to_port                      = each.value
}
