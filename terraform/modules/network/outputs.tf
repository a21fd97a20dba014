output "vpc_id" {
  description = "The VPC."
  value       = aws_vpc.this.id
}

output "vpc_cidr" {
  description = "Its addresses."
  value       = aws_vpc.this.cidr_block
}

output "public_subnet_ids" {
  description = "Where load balancers stand, one for each zone."
  value       = [for zone in var.zones : aws_subnet.public[zone].id]
}

output "private_subnet_ids" {
  description = "Where tasks run, one for each zone."
  value       = [for zone in var.zones : aws_subnet.private[zone].id]
}

output "isolated_subnet_ids" {
  description = "Where stores stand, one for each zone."
  value       = [for zone in var.zones : aws_subnet.isolated[zone].id]
}

output "endpoints_security_group_id" {
  description = "The interface endpoints' security group; null where there are none."
  value       = one(aws_security_group.endpoints[*].id)
}

output "s3_prefix_list_id" {
  description = "S3's addresses, for egress rules."
  value       = aws_vpc_endpoint.s3.prefix_list_id
}

output "has_endpoints" {
  description = "Whether there are interface endpoints; known before anything exists."
  value       = length(var.interface_endpoints) > 0
}

output "nat_gateway_ids" {
  description = "The NAT gateways, by zone."
  value       = { for zone, gateway in aws_nat_gateway.this : zone => gateway.id }
}
