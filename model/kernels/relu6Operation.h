// StfRelu6, ReLU6 after a shift, and its gradient as TensorFlow operations. TensorFlow's own Relu6 is no substitute: the
// graph optimiser makes it part of the product or convolution before, and oneDNN's gives a number for NaN.
#pragma once

#include "operation.h"
#include "relu6.h"

namespace stf {

REGISTER_OP("StfRelu6")
    .Input("x: float")
    .Input("shift: float")  // [C]
    .Output("y: float")
    .SetShapeFn(shapedLike({0}));

class Relu6Operation : public tensorflow::OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(tensorflow::OpKernelContext* context) override {
    const tensorflow::Tensor& x = context->input(0);
    const auto [count, width] = rowsOf(x);
    OP_REQUIRES(context, x.dims() >= 1 && context->input(1).NumElements() == width,
                absl::InvalidArgumentError(absl::StrCat("Expected ", width, " elements for shift but received ",
                                                        context->input(1).NumElements())));
    tensorflow::Tensor* y;
    OP_REQUIRES_OK(context, context->forward_input_or_allocate_output({0}, 0, x.shape(), &y));
    shiftedRelu6(deviceThreads(context), count, width, floats(context, 0), floats(context, 1), floats(y));
  }
};

REGISTER_KERNEL_BUILDER(Name("StfRelu6").Device(tensorflow::DEVICE_CPU), Relu6Operation);

REGISTER_OP("StfRelu6Gradient")
    .Input("dy: float")
    .Input("y: float")
    .Output("dx: float")
    .Output("d_shift: float")  // [C]
    .SetShapeFn([](tensorflow::shape_inference::InferenceContext* c) {
      tensorflow::shape_inference::ShapeHandle y;
      TF_RETURN_IF_ERROR(c->WithRankAtLeast(c->input(1), 1, &y));
      c->set_output(0, y);
      c->set_output(1, c->Vector(c->Dim(y, -1)));
      return absl::OkStatus();
    });

class Relu6GradientOperation : public tensorflow::OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(tensorflow::OpKernelContext* context) override {
    const tensorflow::Tensor& y = context->input(1);
    const auto [count, width] = rowsOf(y);
    OP_REQUIRES(context, y.dims() >= 1 && context->input(0).shape() == y.shape(),
                absl::InvalidArgumentError(absl::StrCat("Expected dy of shape ", y.shape().DebugString(),
                                                        " but received ",
                                                        context->input(0).shape().DebugString())));
    tensorflow::Tensor *dx, *dShift;
    OP_REQUIRES_OK(context, context->forward_input_or_allocate_output({0}, 0, y.shape(), &dx));
    OP_REQUIRES_OK(context, context->allocate_output(1, {width}, &dShift));
    relu6Gradient(deviceThreads(context), count, width, floats(context, 0), floats(context, 1), floats(dx),
                  floats(dShift));
  }
};

REGISTER_KERNEL_BUILDER(Name("StfRelu6Gradient").Device(tensorflow::DEVICE_CPU), Relu6GradientOperation);

}  // namespace stf
