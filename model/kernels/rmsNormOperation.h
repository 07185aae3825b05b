// StfRmsNorm and its gradient as TensorFlow operations.
#pragma once

#include "operation.h"
#include "rmsNorm.h"

namespace stf {

REGISTER_OP("StfRmsNorm")
    .Input("x: float")
    .Input("gamma: float")
    .Output("y: float")
    .Output("inverse: float")
    .Attr("epsilon: float")
    .SetShapeFn([](tensorflow::shape_inference::InferenceContext* c) {
      tensorflow::shape_inference::ShapeHandle x, rows;
      TF_RETURN_IF_ERROR(c->WithRankAtLeast(c->input(0), 1, &x));
      TF_RETURN_IF_ERROR(c->Subshape(x, 0, -1, &rows));
      c->set_output(0, x);
      c->set_output(1, rows);
      return absl::OkStatus();
    });

class RmsNormOperation : public tensorflow::OpKernel {
 public:
  explicit RmsNormOperation(tensorflow::OpKernelConstruction* construction) : OpKernel(construction) {
    OP_REQUIRES_OK(construction, construction->GetAttr("epsilon", &epsilon_));
  }

  void Compute(tensorflow::OpKernelContext* context) override {
    const tensorflow::Tensor& x = context->input(0);
    const auto [count, width] = rowsOf(x);
    OP_REQUIRES(context, x.dims() >= 1 && context->input(1).NumElements() == width,
                absl::InvalidArgumentError(absl::StrCat("Expected ", width, " elements for gamma but received ",
                                                        context->input(1).NumElements())));
    tensorflow::TensorShape rows = x.shape();
    rows.RemoveDim(rows.dims() - 1);
    tensorflow::Tensor *y, *inverse;
    OP_REQUIRES_OK(context, context->allocate_output(0, x.shape(), &y));
    OP_REQUIRES_OK(context, context->allocate_output(1, rows, &inverse));
    rmsNorm(deviceThreads(context), count, width, epsilon_, floats(context, 0), floats(context, 1), floats(y),
            floats(inverse));
  }

 private:
  float epsilon_;
};

REGISTER_KERNEL_BUILDER(Name("StfRmsNorm").Device(tensorflow::DEVICE_CPU), RmsNormOperation);

REGISTER_OP("StfRmsNormGradient")
    .Input("dy: float")
    .Input("x: float")
    .Input("gamma: float")
    .Input("inverse: float")
    .Output("dx: float")
    .Output("d_gamma: float")
    .SetShapeFn(shapedLike({1, 2}));

class RmsNormGradientOperation : public tensorflow::OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(tensorflow::OpKernelContext* context) override {
    const tensorflow::Tensor& x = context->input(1);
    const auto [count, width] = rowsOf(x);
    OP_REQUIRES(context,
                x.dims() >= 1 && context->input(0).shape() == x.shape() && context->input(2).NumElements() == width &&
                    context->input(3).NumElements() == count,
                absl::InvalidArgumentError(absl::StrCat("Expected operands of an RMS norm over [", count, ",", width,
                                                        "] but received others")));
    tensorflow::Tensor *dx, *dGamma;
    OP_REQUIRES_OK(context, context->forward_input_or_allocate_output({0}, 0, x.shape(), &dx));
    OP_REQUIRES_OK(context, context->allocate_output(1, context->input(2).shape(), &dGamma));
    rmsNormGradient(deviceThreads(context), count, width, floats(context, 0), floats(context, 1), floats(context, 2),
                    floats(context, 3), floats(dx), floats(dGamma));
  }
};

REGISTER_KERNEL_BUILDER(Name("StfRmsNormGradient").Device(tensorflow::DEVICE_CPU), RmsNormGradientOperation);

}  // namespace stf
