// StfDepthwise and its gradient as TensorFlow operations.
#pragma once

#include "depthwise.h"
#include "operation.h"

namespace stf {

class DepthwiseOperation : public tensorflow::OpKernel {
 public:
  explicit DepthwiseOperation(tensorflow::OpKernelConstruction* construction) : OpKernel(construction) {
    OP_REQUIRES_OK(construction, construction->GetAttr("stride", &stride_));
    OP_REQUIRES_OK(construction, construction->GetAttr("clipped", &clipped_));
  }

 protected:
  absl::Status shapeOf(const tensorflow::Tensor& x, const tensorflow::Tensor& kernel, DepthwiseShape* shape) const {
    if (x.dims() != 4 || kernel.dims() != 4 || kernel.dim_size(0) != kernel.dim_size(1) ||
        kernel.dim_size(2) != x.dim_size(3) || kernel.dim_size(3) != 1 ||
        !DepthwiseShape::isKnown(kernel.dim_size(0), stride_))
      return absl::InvalidArgumentError(absl::StrCat(
          "Expected images and a depthwise kernel of edge 3, 5 or 7 and stride 1 or 2 but received ",
          x.shape().DebugString(), ", ", kernel.shape().DebugString(), " and stride ", stride_));
    *shape = {x.dim_size(0), x.dim_size(1), x.dim_size(2), x.dim_size(3), kernel.dim_size(0), stride_, clipped_};
    return absl::OkStatus();
  }

  static tensorflow::TensorShape outputOf(const DepthwiseShape& shape) {
    return {shape.images, shape.outHeight(), shape.outWidth(), shape.channels};
  }

 private:
  int64_t stride_;
  bool clipped_;
};

REGISTER_OP("StfDepthwise")
    .Input("x: float")       // [N, H, W, C]
    .Input("kernel: float")  // [K, K, C, 1]
    .Input("shift: float")   // [C]
    .Output("y: float")      // [N, ⌈H/stride⌉, ⌈W/stride⌉, C]
    .Attr("stride: int")
    .Attr("clipped: bool")
    .SetShapeFn([](tensorflow::shape_inference::InferenceContext* c) {
      tensorflow::shape_inference::ShapeHandle x, y;
      tensorflow::shape_inference::DimensionHandle along;
      int64_t stride;
      TF_RETURN_IF_ERROR(c->GetAttr("stride", &stride));
      if (stride < 1) return absl::InvalidArgumentError("Expected a stride of 1 or 2");
      TF_RETURN_IF_ERROR(c->WithRank(c->input(0), 4, &x));
      y = x;
      for (const int axis : {1, 2}) {
        TF_RETURN_IF_ERROR(c->Add(c->Dim(x, axis), stride - 1, &along));
        TF_RETURN_IF_ERROR(c->Divide(along, stride, false, &along));
        TF_RETURN_IF_ERROR(c->ReplaceDim(y, axis, along, &y));
      }
      c->set_output(0, y);
      return absl::OkStatus();
    });

class DepthwiseForwardOperation : public DepthwiseOperation {
 public:
  using DepthwiseOperation::DepthwiseOperation;

  void Compute(tensorflow::OpKernelContext* context) override {
    DepthwiseShape shape;
    OP_REQUIRES_OK(context, shapeOf(context->input(0), context->input(1), &shape));
    OP_REQUIRES(context, context->input(2).NumElements() == shape.channels,
                absl::InvalidArgumentError(absl::StrCat("Expected ", shape.channels, " elements for shift but received ",
                                                        context->input(2).NumElements())));
    tensorflow::Tensor* y;
    OP_REQUIRES_OK(context, context->allocate_output(0, outputOf(shape), &y));
    depthwise(deviceThreads(context), shape, floats(context, 0), floats(context, 1), floats(context, 2), floats(y));
  }
};

REGISTER_KERNEL_BUILDER(Name("StfDepthwise").Device(tensorflow::DEVICE_CPU), DepthwiseForwardOperation);

REGISTER_OP("StfDepthwiseGradient")
    .Input("dy: float")
    .Input("y: float")  // not read unless clipped
    .Input("x: float")
    .Input("kernel: float")
    .Output("dx: float")
    .Output("d_kernel: float")
    .Output("d_shift: float")
    .Attr("stride: int")
    .Attr("clipped: bool")
    .SetShapeFn([](tensorflow::shape_inference::InferenceContext* c) {
      tensorflow::shape_inference::ShapeHandle kernel;
      TF_RETURN_IF_ERROR(c->WithRank(c->input(3), 4, &kernel));
      c->set_output(0, c->input(2));
      c->set_output(1, kernel);
      c->set_output(2, c->Vector(c->Dim(kernel, 2)));
      return absl::OkStatus();
    });

class DepthwiseGradientOperation : public DepthwiseOperation {
 public:
  using DepthwiseOperation::DepthwiseOperation;

  void Compute(tensorflow::OpKernelContext* context) override {
    const tensorflow::Tensor& x = context->input(2);
    const tensorflow::Tensor& kernel = context->input(3);
    DepthwiseShape shape;
    OP_REQUIRES_OK(context, shapeOf(x, kernel, &shape));
    OP_REQUIRES(
        context,
        context->input(0).shape() == outputOf(shape) && (!shape.clipped || context->input(1).shape() == outputOf(shape)),
        absl::InvalidArgumentError(absl::StrCat("Expected dy and y of shape ", outputOf(shape).DebugString(),
                                                " but received ", context->input(0).shape().DebugString(), " and ",
                                                context->input(1).shape().DebugString())));
    tensorflow::Tensor *dx, *dKernel, *dShift;
    if (shape.stride == 1) {
      OP_REQUIRES_OK(context, context->forward_input_or_allocate_output({0}, 0, x.shape(), &dx));
    } else {
      OP_REQUIRES_OK(context, context->allocate_output(0, x.shape(), &dx));
    }
    OP_REQUIRES_OK(context, context->allocate_output(1, kernel.shape(), &dKernel));
    OP_REQUIRES_OK(context, context->allocate_output(2, {shape.channels}, &dShift));
    std::vector<float> dParameters(static_cast<size_t>((shape.taps() + 1) * shape.channels));
    depthwiseGradient(deviceThreads(context), shape, floats(context, 0), floats(context, 1), floats(context, 2),
                      floats(context, 3), floats(dx), dParameters.data());
    const auto shift = dParameters.begin() + shape.taps() * shape.channels;
    std::copy(dParameters.begin(), shift, floats(dKernel));
    std::copy(shift, dParameters.end(), floats(dShift));
  }
};

REGISTER_KERNEL_BUILDER(Name("StfDepthwiseGradient").Device(tensorflow::DEVICE_CPU), DepthwiseGradientOperation);

}  // namespace stf
