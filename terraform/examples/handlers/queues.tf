# For @app.on_sqs_message(queue="orders.fifo").
resource "aws_sqs_queue" "orders" {
  name                        = "orders.fifo"
  fifo_queue                  = true
  content_based_deduplication = true
  visibility_timeout_seconds  = 60
  sqs_managed_sse_enabled     = true
}

# For @app.on_sns_message(topic="news"): the topic's messages wait in a queue.
resource "aws_sns_topic" "news" {
  name              = "news"
  kms_master_key_id = "alias/aws/sns"
}

resource "aws_sqs_queue" "news" {
  name                       = "news"
  visibility_timeout_seconds = 60
  sqs_managed_sse_enabled    = true
}

resource "aws_sns_topic_subscription" "news" {
  topic_arn = aws_sns_topic.news.arn
  protocol  = "sqs"
  endpoint  = aws_sqs_queue.news.arn
}

resource "aws_sqs_queue_policy" "news" {
  queue_url = aws_sqs_queue.news.url
  policy    = data.aws_iam_policy_document.news.json
}

data "aws_iam_policy_document" "news" {
  statement {
    sid       = "MessagesOfTheTopic"
    actions   = ["sqs:SendMessage"]
    resources = [aws_sqs_queue.news.arn]

    principals {
      type        = "Service"
      identifiers = ["sns.amazonaws.com"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:SourceArn"
      values   = [aws_sns_topic.news.arn]
    }
  }
}
