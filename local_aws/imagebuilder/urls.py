"""imagebuilder base URL and path. The service's model has the operation of each path."""

from local_aws.imagebuilder.responses import ImageBuilderResponse

url_bases = [r"https?://imagebuilder\.(.+)\.amazonaws\.com"]

url_paths = {"{0}/.*$": ImageBuilderResponse.dispatch}
