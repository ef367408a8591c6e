"""The whole small job in Lightning: EfficientNet-B0 on 64 pixels, one epoch of 400 JPEGs, CSV log, checkpoints. With
MAX_STEPS 1 one step of a small network; prints when it was finished, in seconds since 1970.

usage: python3 peer_job.py PHOTOS FOLDER MAX_STEPS
"""

import sys
import time

import lightning
import torch
import torchvision
from torchvision import transforms as T

photos, folder, max_steps = sys.argv[1], sys.argv[2], int(sys.argv[3])
torch.set_num_threads(2)
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Classifier(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        if max_steps == 1:  # the start of a network smaller than lathe's cnn
            self.model = torch.nn.Sequential(torch.nn.Conv2d(3, 32, 3, padding=1), torch.nn.BatchNorm2d(32), torch.nn.ReLU(),
                                             torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(32, 4))
        else:
            self.model = torchvision.models.efficientnet_b0(num_classes=4).to(memory_format=torch.channels_last)

    def training_step(self, batch, _):
        loss = torch.nn.functional.cross_entropy(self.model(batch[0].to(memory_format=torch.channels_last)), batch[1])
        self.log("train/loss", loss)
        return loss

    def on_train_batch_end(self, *_):
        if max_steps == 1:
            print(time.time())

    def validation_step(self, batch, _):
        accuracy = (self.model(batch[0]).argmax(1) == batch[1]).float().mean()
        self.log("val/acc", accuracy)

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=1e-3)


def loader(part, train):
    return torch.utils.data.DataLoader(part, batch_size=32, shuffle=train, num_workers=1)


if __name__ == "__main__":
    train = T.Compose([T.RandomResizedCrop(64), T.RandomHorizontalFlip(), T.ToTensor(), T.Normalize(MEAN, STD)])
    val = T.Compose([T.Resize(72), T.CenterCrop(64), T.ToTensor(), T.Normalize(MEAN, STD)])
    lightning.seed_everything(1)
    indices = torch.randperm(400).tolist()
    parts = [torch.utils.data.Subset(torchvision.datasets.ImageFolder(photos, transform), chosen)
             for transform, chosen in ((train, indices[:320]), (val, indices[320:]))]
    checkpoint = lightning.pytorch.callbacks.ModelCheckpoint(folder, monitor="val/acc", mode="max", save_last=True)
    trainer = lightning.Trainer(accelerator="cpu", max_epochs=1, max_steps=max_steps if max_steps == 1 else -1,
                                limit_val_batches=0 if max_steps == 1 else 1.0, default_root_dir=folder,
                                callbacks=[] if max_steps == 1 else [checkpoint], enable_checkpointing=max_steps != 1,
                                logger=lightning.pytorch.loggers.CSVLogger(folder), log_every_n_steps=1,
                                enable_progress_bar=False)
    trainer.fit(Classifier(), loader(parts[0], True), loader(parts[1], False))
