// StfBatchNorm, batch normalisation by the batch's statistics, and its gradient as TensorFlow operations.
#pragma once

#include "batchNorm.h"
#include "operation.h"

namespace stf {

REGISTER_OP("StfBatchNorm")
    .Input("x: float")
    .Input("gamma: float")
    .Input("beta: float")
    .Output("y: float")
    .Output("mean: float")
    .Output("variance: float")
    .Output("inverse_deviation: float")
    .Attr("epsilon: float")
    .Attr("clipped: bool")
    .SetShapeFn(shapedLike({0, 1, 1, 1}));

class BatchNormOperation : public tensorflow::OpKernel {
 public:
  explicit BatchNormOperation(tensorflow::OpKernelConstruction* construction) : OpKernel(construction) {
    OP_REQUIRES_OK(construction, construction->GetAttr("epsilon", &epsilon_));
    OP_REQUIRES_OK(construction, construction->GetAttr("clipped", &clipped_));
  }

  void Compute(tensorflow::OpKernelContext* context) override {
    const tensorflow::Tensor& x = context->input(0);
    const auto [count, width] = rowsOf(x);
    OP_REQUIRES(context, x.dims() >= 1 && context->input(1).NumElements() == width &&
                             context->input(2).NumElements() == width,
                absl::InvalidArgumentError(absl::StrCat("Expected ", width, " elements for gamma and beta but received ",
                                                        context->input(1).NumElements(), " and ",
                                                        context->input(2).NumElements())));
    tensorflow::Tensor *y, *mean, *variance, *inverse;
    OP_REQUIRES_OK(context, context->allocate_output(0, x.shape(), &y));
    OP_REQUIRES_OK(context, context->allocate_output(1, {width}, &mean));
    OP_REQUIRES_OK(context, context->allocate_output(2, {width}, &variance));
    OP_REQUIRES_OK(context, context->allocate_output(3, {width}, &inverse));
    batchNorm(deviceThreads(context), count, width, epsilon_, clipped_, floats(context, 0), floats(context, 1),
              floats(context, 2), floats(y), floats(mean), floats(variance), floats(inverse));
  }

 private:
  float epsilon_;
  bool clipped_;
};

REGISTER_KERNEL_BUILDER(Name("StfBatchNorm").Device(tensorflow::DEVICE_CPU), BatchNormOperation);

REGISTER_OP("StfBatchNormGradient")
    .Input("dy: float")
    .Input("x: float")
    .Input("gamma: float")
    .Input("beta: float")
    .Input("mean: float")
    .Input("inverse_deviation: float")
    .Output("dx: float")
    .Output("d_parameters: float")  // [2, C]: dγ, dβ
    .Attr("clipped: bool")
    .SetShapeFn([](tensorflow::shape_inference::InferenceContext* c) {
      c->set_output(0, c->input(1));
      c->set_output(1, c->Matrix(2, c->Dim(c->input(2), 0)));
      return absl::OkStatus();
    });

class BatchNormGradientOperation : public tensorflow::OpKernel {
 public:
  explicit BatchNormGradientOperation(tensorflow::OpKernelConstruction* construction) : OpKernel(construction) {
    OP_REQUIRES_OK(construction, construction->GetAttr("clipped", &clipped_));
  }

  void Compute(tensorflow::OpKernelContext* context) override {
    const tensorflow::Tensor& x = context->input(1);
    const auto [count, width] = rowsOf(x);
    bool fits = x.dims() >= 1 && context->input(0).shape() == x.shape();
    for (int input = 2; input < 6; ++input) fits = fits && context->input(input).NumElements() == width;
    OP_REQUIRES(context, fits,
                absl::InvalidArgumentError(absl::StrCat("Expected operands of a batch norm over [", count, ",", width,
                                                        "] but received others")));
    tensorflow::Tensor *dx, *dParameters;
    OP_REQUIRES_OK(context, context->forward_input_or_allocate_output({0}, 0, x.shape(), &dx));
    OP_REQUIRES_OK(context, context->allocate_output(1, {2, width}, &dParameters));
    batchNormGradient(deviceThreads(context), count, width, clipped_, floats(context, 0), floats(context, 1),
                      floats(context, 2), floats(context, 3), floats(context, 4), floats(context, 5), floats(dx),
                      floats(dParameters));
  }

 private:
  bool clipped_;
};

REGISTER_KERNEL_BUILDER(Name("StfBatchNormGradient").Device(tensorflow::DEVICE_CPU), BatchNormGradientOperation);

}  // namespace stf
